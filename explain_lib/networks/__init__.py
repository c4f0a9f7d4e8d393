"""Networks: what is needed to run and explain one, the bundled ones, those of others, and their predictions."""
