"""Keras layers that know how long each sequence is.

Every layer that needs to know takes `lengths` (B,) int32 beside its input, right-padded to a common T, and promises
that what stands in the padding never changes an answer. Masks found by value and Keras' implicit masks are not used.
"""
