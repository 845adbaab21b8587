"use strict";
// Before the first paint: the theme that was chosen here, else the system's.
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const chosen = localStorage.getItem("theme");
    document.documentElement.dataset.bsTheme = chosen || (dark.matches ? "dark" : "light");
  };
  apply();
  dark.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-switch]");
    if (!button) return;
    button.hidden = false;
    button.addEventListener("click", () => {
      const now = document.documentElement.dataset.bsTheme;
      localStorage.setItem("theme", now === "dark" ? "light" : "dark");
      apply();
    });
  });
})();
