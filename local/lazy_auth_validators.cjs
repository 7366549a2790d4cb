// Loaded into the Auth emulator before it starts (node --require): it compiles a validator for each operation of Google's
// Identity Toolkit at its start, 15 s of one core, of which this product uses four. exegesis, the library that does so, has
// an option to compile each at its first use; firebase-tools (15.34) does not set it.
const exegesis = require("exegesis-express");

const { middleware } = exegesis;
exegesis.middleware = (document, options) => middleware(document, { ...options, lazyCompileValidationSchemas: true });
