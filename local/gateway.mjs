// One origin for the pages and the functions, as Firebase Hosting is in production.
//
//   node local/gateway.mjs gateway.json
//
// gateway.json: {"port": 8080, "examples": 8081, "services": {"get-balance": "http://127.0.0.1:8093", …}, "init": {…}}
// firebase.json decides everything else: files, headers, clean URLs, and which path goes to which service.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createProxyMiddleware } from "http-proxy-middleware";
import superstatic from "superstatic";
import { examplesServer } from "./examples.mjs";

const HOSTING_TIMEOUT_MS = 60_000; // Firebase Hosting gives a rewritten request 60 s
const INIT_PATH = "/__/firebase/init.json";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { port, examples, services, init } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { hosting } = JSON.parse(readFileSync(join(root, "firebase.json"), "utf8"));

function sendJson(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(body));
}

function sendError(response, status, code, message) {
  sendJson(response, status, { success: false, error: { code, message } });
}

function proxyTo(target) {
  return createProxyMiddleware({
    target,
    xfwd: true,
    proxyTimeout: HOSTING_TIMEOUT_MS,
    on: {
      error: (error, request, response) => {
        console.error(`${request.method} ${request.url}: ${target}: ${error.message}`);
        if (response.headersSent) response.destroy();
        else sendError(response, 503, "unavailable", "The service cannot be reached. Try again in a moment.");
      },
    },
  });
}

const proxies = Object.fromEntries(Object.entries(services).map(([name, url]) => [name, proxyTo(url)]));
for (const { source, run } of hosting.rewrites) {
  if (run && !proxies[run.serviceId])
    throw new Error(`firebase.json: ${source} goes to ${run.serviceId}, which is not a function`);
}

// The local pages talk to the emulators; the policy in firebase.json allows only Google's own addresses.
const emulators = `${init.emulators.auth} http://${init.emulators.firestore}`;
for (const header of hosting.headers.flatMap(({ headers }) => headers)) {
  if (header.key === "Content-Security-Policy")
    header.value = header.value.replace("connect-src", `connect-src ${emulators}`);
}

function hosted(stack) {
  const rewriters = { run: async ({ run }) => proxies[run.serviceId] };
  return superstatic.default({ config: hosting, cwd: root, stack, fallthrough: true, compression: true, rewriters });
}

const pages = hosted("strict"); // answers an unknown path with 404.html
const api = hosted(["headers", "rewrites"]); // leaves an unknown path to us: programs expect a 404 as JSON

createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (pathname === INIT_PATH) return sendJson(response, 200, init);
  const unknown = () => sendError(response, 404, "not_found", `There is nothing at ${pathname}.`);
  (pathname.startsWith("/api/") ? api : pages)(request, response, unknown);
}).listen(port, "127.0.0.1");

examplesServer({ root, port: examples, web: `http://localhost:${port}`, auth: init.emulators.auth });
