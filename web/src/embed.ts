// The entry of /token-balance.js, which other pages of the platform include by that name.
import "./token-balance";
