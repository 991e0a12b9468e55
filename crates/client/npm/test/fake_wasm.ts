// Stands in for the WebAssembly: nothing, deflated.
export default "eJwDAAAAAAE=";
