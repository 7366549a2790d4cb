"""Firestore: how a change lands, what is written, and how it is stored."""
