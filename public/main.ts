import { mount } from "svelte";
import "./views/page.css";
import App from "./views/App.svelte";
import { i18n } from "./i18n/i18n.svelte";

const target = document.getElementById("page")!;
i18n.ready.then(
  () => mount(App, { target }),
  () =>
    (target.textContent =
      "Parlor could not be loaded. Reload the page. · Не удалось загрузить Parlor. Обновите страницу."),
);
