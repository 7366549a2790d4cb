// Loaded into the Auth emulator before it starts (node --require). At its start, the emulator compiles a validator for
// each operation of Google's Identity Toolkit, which takes 15 s of one core; this product uses four of them. exegesis, the
// library that compiles them, can do so at first use instead, but firebase-tools (15.34) does not set that option.
const exegesis = require("exegesis-express");

const { middleware } = exegesis;
exegesis.middleware = (document, options) => middleware(document, { ...options, lazyCompileValidationSchemas: true });
