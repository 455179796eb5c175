const YEAR_S = 365 * 24 * 3600;

/** Value of a cookie of this site, or "" when it is not set. */
export function readCookie(name) {
  const prefix = `${name}=`;
  const found = document.cookie.split("; ").find((part) => part.startsWith(prefix));
  if (!found) return "";
  try {
    return decodeURIComponent(found.slice(prefix.length));
  } catch {
    return ""; // written by something else, with a bare percent sign
  }
}

/** Keep a value for a year, for every page of this site. */
export function writeCookie(name, value) {
  const secure = window.location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${encodeURIComponent(value)}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax${secure}`;
}
