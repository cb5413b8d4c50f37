// Injects file-system faults: `node --require faults.cjs`. Numbers the calls on paths below `plan.root`, and asks
// `plan.codeOf` for an error code. VAE_FAULT, JSON { root, number, code }, makes one call of a process fail.
const { AsyncLocalStorage } = require("node:async_hooks");
const fs = require("node:fs");
const { syncBuiltinESMExports } = require("node:module");
const os = require("node:os");
const path = require("node:path");
const { fileURLToPath } = require("node:url");
const { getSystemErrorMap } = require("node:util");

/** Calls on one or two paths, with the names of their system calls. */
const ON_PATHS = {
  access: "access",
  copyFile: "copyfile",
  link: "link",
  lstat: "lstat",
  mkdir: "mkdir",
  open: "open",
  readdir: "scandir",
  realpath: "realpath",
  rename: "rename",
  rm: "unlink",
  stat: "stat",
  statfs: "statfs",
};
/** Calls on a descriptor, and methods of a FileHandle. */
const ON_DESCRIPTORS = { read: "read", write: "write", fstat: "fstat", fsync: "fsync", close: "close" };
const OF_HANDLES = { ...ON_DESCRIPTORS, stat: "fstat", sync: "fsync", readFile: "read", writeFile: "write" };
/** Calls that open a file, and then read or write it. */
const WHOLE = { readFile: "read", writeFile: "write" };

const spawned = JSON.parse(process.env.VAE_FAULT ?? "null");
const plan = {
  root: spawned?.root,
  /** @returns the error code if the call is to fail */
  codeOf: (_call, number) => (number === spawned?.number ? spawned.code : undefined),
  /** All calls: { name, path, dest, code }. */
  calls: [],
  /** The path of each open descriptor. */
  opened: new Map(),
};
globalThis.faults = plan;

/** Runs the real functions without counting their nested calls. */
const within = new AsyncLocalStorage();
const run = (real) => (...args) => within.run(true, () => real(...args));

/** Counts a call. @returns its error, if it is to fail */
function fault(name, place, dest, isOpen = false) {
  if (within.getStore() || plan.root === undefined || !place?.startsWith(plan.root)) return undefined;
  const call = { name, path: place, dest };
  plan.calls.push(call);
  call.code = plan.codeOf(call, plan.calls.length);
  if (call.code === undefined) return undefined;
  const errno = -os.constants.errno[call.code];
  const where = isOpen ? "" : ` '${place}'${dest ? ` -> '${dest}'` : ""}`;
  const error = new Error(`${call.code}: ${getSystemErrorMap().get(errno)[1]}, ${name}${where}`);
  const paths = isOpen ? {} : { path: place };
  return Object.assign(error, { errno, code: call.code, syscall: name }, paths, dest && { dest });
}

function placeOf(place) {
  if (typeof place === "number") return plan.opened.get(place);
  const text = String(place);
  return text.startsWith("file:") ? fileURLToPath(text) : path.resolve(text);
}
/** The part of a write that fits on the full disk. */
const half = (data) => (typeof data === "string" || data instanceof Uint8Array ? data.slice(0, data.length / 2) : "");

/** Replaces the three variants of a function. `check(...args)` may return an error; `before` runs before the throw. */
function patch(name, check, { before, after = (result) => result } = {}) {
  const [sync, callback, promise] = [run(fs[`${name}Sync`]), fs[name], run(fs.promises[name])];
  const patchedSync = (...args) => {
    const error = check(...args);
    if (error) before?.(sync, args, error);
    if (error) throw error;
    return after(sync(...args), ...args);
  };
  const patched = (...args) => {
    const done = args.pop();
    const error = check(...args);
    if (error && name !== "close") return process.nextTick(done, error);
    callback(...args, (problem, ...results) => {
      if (!problem) after(results[0], ...args);
      done(problem ?? error ?? null, ...results);
    });
  };
  fs[`${name}Sync`] = Object.assign(patchedSync, fs[`${name}Sync`]);
  fs[name] = Object.assign(patched, callback);
  if (!(name in fs.promises)) return;
  fs.promises[name] = async (...args) => {
    const error = check(...args);
    if (error) await before?.(promise, args, error);
    if (error) throw error;
    return after(await promise(...args), ...args);
  };
}

/** Records the path of a descriptor, and wraps the methods of a handle. */
function remember(opened, place) {
  const fd = typeof opened === "number" ? opened : opened.fd;
  plan.opened.set(fd, placeOf(place));
  if (typeof opened === "number") return opened;
  for (const [method, name] of Object.entries(OF_HANDLES)) {
    if (!opened[method]) continue;
    const real = name === "fsync" ? async () => {} : run(opened[method].bind(opened)); // flushing would add minutes
    opened[method] = async (...args) => {
      const error = fault(name, plan.opened.get(fd), undefined, true);
      if (error && name === "write") await real(half(args[0]));
      if (name === "close") plan.opened.delete(fd);
      const result = error && name !== "close" ? undefined : await real(...args);
      if (error) throw error;
      return result;
    };
  }
  return opened;
}

for (const [name, syscall] of Object.entries(ON_PATHS)) {
  const hasTwo = ["copyFile", "link", "rename"].includes(name);
  const check = (place, other) => fault(syscall, placeOf(place), hasTwo ? placeOf(other) : undefined);
  patch(name, check, name === "open" ? { after: remember } : {});
}
for (const [name, syscall] of Object.entries(ON_DESCRIPTORS)) {
  const check = (fd) => {
    const error = fault(syscall, plan.opened.get(fd), undefined, true);
    if (name === "close") plan.opened.delete(fd);
    return error;
  };
  patch(name, check, name === "close" ? { before: (close, args) => close(...args) } : {});
}
for (const [name, syscall] of Object.entries(WHOLE)) {
  const check = (place) => fault("open", placeOf(place)) ?? fault(syscall, placeOf(place), undefined, true);
  const before = (write, [place, data, options], error) =>
    error.syscall === "write" ? write(place, half(data), options) : undefined;
  patch(name, check, name === "writeFile" ? { before } : {});
}
const { existsSync } = fs;
fs.existsSync = (place) => !fault("access", placeOf(place)) && existsSync(place);
syncBuiltinESMExports();
