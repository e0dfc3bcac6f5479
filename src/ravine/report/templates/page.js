"use strict";
(() => {
  const root = document.documentElement;
  const narrow = 640;

  // A colour is named as in the style, "--accent"; here it becomes the value of the moment.
  const painted = (value, style) => {
    if (typeof value === "string") return value.startsWith("--") ? style.getPropertyValue(value).trim() || value : value;
    if (Array.isArray(value)) return value.map((item) => painted(item, style));
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, painted(item, style)]));
    return value;
  };

  const charts = [...document.querySelectorAll("figure.chart")].map((figure) => ({
    plot: figure.querySelector(".plot"),
    drawing: JSON.parse(figure.querySelector("script").textContent),
  }));
  const options = { responsive: true, displayModeBar: false, doubleClick: "reset" };

  const draw = (width) => {
    const style = getComputedStyle(root);
    const mouse = matchMedia("(pointer: fine)").matches;
    for (const { plot, drawing } of charts) {
      const { data, layout } = painted(drawing, style);
      layout.font.family = style.getPropertyValue("--sans");
      layout.dragmode = mouse ? "zoom" : false;
      if (width) layout.width = width;
      Plotly.react(plot, data, layout, options);
    }
  };

  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
  addEventListener("beforeprint", () => {
    root.dataset.printing = "";
    draw(narrow);
  });
  addEventListener("afterprint", () => {
    delete root.dataset.printing;
    draw();
  });
})();
