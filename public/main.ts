import { mount } from "svelte";
import "./views/page.css";
import App from "./views/App.svelte";
import { tongue } from "./words/words.svelte";

const target = document.getElementById("page")!;
tongue.ready.then(
  () => mount(App, { target }),
  () =>
    (target.textContent =
      "Parlor could not be loaded. Reload the page. · Не удалось загрузить Parlor. Обновите страницу."),
);
