// Runs the hub for all pages of the browser.
import { Hub } from "./hub.js";

const hub = new Hub();
self.onconnect = ({ ports: [port] }) => hub.connect(port);
