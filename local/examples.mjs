// Serves web/examples on an origin of its own, as pages of another site: they may call the API because ALLOWED_ORIGINS names
// that origin. What the examples say about the internet becomes the address of its stand-in on this machine.
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
};

/** Serves /plain/ and /react/ with the policies of web/examples/policies.json, and Google's build of Firebase's SDK. */
export function examplesServer({ root, port, web, auth }) {
  const here = `http://localhost:${port}`;
  const standIns = [
    ["https://tokens.example.com", web],
    ["https://www.gstatic.com", here],
    ["https://identitytoolkit.googleapis.com https://securetoken.googleapis.com", auth],
    ["http://127.0.0.1:9099", auth],
  ];
  const localized = (text) => standIns.reduce((changed, [from, to]) => changed.replaceAll(from, to), text);
  const policies = JSON.parse(readFileSync(join(root, "web/examples/policies.json"), "utf8"));
  const folders = {
    plain: join(root, "web/examples/plain"),
    react: join(root, "web/examples/react/dist"),
    firebasejs: join(root, "node_modules/firebase"),
  };

  return createServer((request, response) => {
    const { pathname } = new URL(request.url, here);
    const [, name, ...rest] = normalize(decodeURIComponent(pathname)).split("/");
    // /firebasejs/12.19.0/firebase-app.js: Firebase's address names the version
    const path = name === "firebasejs" ? rest.slice(1).join("/") : rest.join("/") || "index.html";
    const file = folders[name] && join(folders[name], path);
    const type = TYPES[extname(path)];
    if (!(file && type && existsSync(file))) return response.writeHead(404).end();
    const policy = policies[name] ? { "Content-Security-Policy": localized(policies[name]) } : {};
    response.writeHead(200, { "Content-Type": type, "Cache-Control": "no-store", ...policy });
    response.end(localized(readFileSync(file, "utf8")));
  }).listen(port, "127.0.0.1");
}
