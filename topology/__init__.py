"""What functions, deployment, local stack and operators must agree on: the function table, topics, prices."""
