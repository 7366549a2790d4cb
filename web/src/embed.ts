// What /token-balance.js holds: a page of the platform includes it by that name.
export { TokenBalance } from "./token-balance";
