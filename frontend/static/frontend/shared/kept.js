/**
 * Small settings of this browser. A browser that forbids storage throws on the first touch: then nothing is kept, and
 * the page works all the same.
 */

/** The kept text of `name`, or null. */
export function readKept(name) {
  try {
    return localStorage.getItem(`footlight.${name}`);
  } catch {
    return null;
  }
}

export function keep(name, text) {
  try {
    localStorage.setItem(`footlight.${name}`, text);
  } catch {
    // Forbidden or full; see above.
  }
}
