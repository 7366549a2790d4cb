"""The whole product on one machine: emulators, the Stripe simulator, every function, one origin for the pages."""
