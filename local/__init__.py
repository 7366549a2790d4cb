"""The whole product on one machine: emulators, the Stripe simulator, every function, and one origin for the pages."""
