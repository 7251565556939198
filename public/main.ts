import { mount } from "svelte";
import "./views/page.css";
import App from "./views/App.svelte";

mount(App, { target: document.getElementById("page")! });
