"""The code that the functions share; a deployment copies this folder beside each main.py."""
