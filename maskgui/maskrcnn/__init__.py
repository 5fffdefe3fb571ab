"""The network: its variants, weights, inference, training and evaluation."""
