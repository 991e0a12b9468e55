// Next.js takes the folder with a lock file for the project's; here that is the folder that holds Next.js itself.
import path from "node:path";

export default { turbopack: { root: path.resolve("../../..") }, outputFileTracingRoot: path.resolve("../../..") };
