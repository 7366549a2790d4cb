// The entry of /token-balance.js, which other pages of the platform include by that name.
export { TokenBalance } from "./token-balance";
