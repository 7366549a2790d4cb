// What Firebase Hosting serves for an address without a page.
import compass from "bootstrap-icons/icons/compass.svg?raw";
import { icon, make } from "../dom";
import { openPage } from "../shell";
import "../styles/outcome.css";
import { texts } from "../texts";

const words = texts.notFound;

openPage("404").append(
  make(
    "section",
    { class: "outcome" },
    make("div", { class: "sign" }, icon(compass)),
    make("h1", {}, words.title),
    make("p", { class: "lead" }, words.lead),
    make("div", { class: "actions" }, make("a", { class: "button primary", href: "/" }, words.home)),
  ),
);
