// A classic script in <head>: it runs before the first paint, so a dark page never flashes white.
document.documentElement.dataset.theme = localStorage.getItem("footlight.theme") ?? "auto";
