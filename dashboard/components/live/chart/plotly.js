// Plotly's script, fetched once for all charts of the page.

import { setText } from "../dom.js";

let loading = null;

const RETRY_MS = 3000;

// Loads it for a chart, however long that takes; `empty` is where the chart says that it waits. Gives what ends the waiting.
export function startPlotly(url, empty, onLoaded) {
  let timer;
  const start = async () => {
    try {
      onLoaded(await loadPlotly(url));
    } catch {
      setText(empty, "The chart's script did not load. Trying again…");
      timer = setTimeout(start, RETRY_MS);
    }
  };
  start();
  return () => clearTimeout(timer);
}

function loadPlotly(url) {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", () => {
      loading = null;
      script.remove();
      reject(new Error("Plotly did not load"));
    });
    document.head.append(script);
  });
  return loading;
}
