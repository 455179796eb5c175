// A classic script in <head>: it runs before the first paint, so a dark page never flashes white.
try {
  document.documentElement.dataset.theme = localStorage.getItem("footlight.theme") ?? "auto";
} catch {
  // Storage is forbidden: the system's theme it is.
}
