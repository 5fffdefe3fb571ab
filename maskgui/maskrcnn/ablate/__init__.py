"""The paper's ablations in kind: its tables' rows trained at one small, fixed budget."""
