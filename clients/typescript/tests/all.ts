import "./calls.js";
import "./imports.js";
import "./package.js";
import "./streams.js";
import "./tls.js";
