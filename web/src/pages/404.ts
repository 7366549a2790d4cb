// What Firebase Hosting serves for an address without a page.
import "../styles/outcome.css";
import { startShell } from "../shell";

startShell();
