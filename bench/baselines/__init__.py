"""What the product is compared with. Each folder is a program of its own; its `requirements.in` names its packages."""
