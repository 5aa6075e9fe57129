// What htmx does not do. Every page works without it.
(() => {
  "use strict";
  const form = document.getElementById("bulk");
  if (form) {
    const all = form.querySelector("[data-all]");
    const boxes = [...form.querySelectorAll("tbody input[type=checkbox]")];
    const count = form.querySelector("[data-count]");
    const buttons = [...form.querySelectorAll(".bar button")];
    const show = () => {
      const ticked = boxes.filter((box) => box.checked).length;
      count.textContent = `${ticked} ${count.dataset.count}`;
      for (const button of buttons) button.disabled = ticked === 0;
      all.checked = ticked > 0 && ticked === boxes.length;
      all.indeterminate = ticked > 0 && ticked < boxes.length;
    };
    if (all && count) {
      all.hidden = false;
      all.addEventListener("change", () => {
        for (const box of boxes) box.checked = all.checked;
        show();
      });
      form.addEventListener("change", show);
      window.addEventListener("pageshow", show);
      show();
    }
  }
  document.addEventListener("submit", (event) => {
    const ask = event.target.dataset.ask;
    if (ask && !window.confirm(ask)) event.preventDefault();
  });
})();
