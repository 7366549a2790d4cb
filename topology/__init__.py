"""What functions, deployment, local stack and operators have to agree on: the function table, topics and prices."""
