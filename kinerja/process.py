"""What every process of kinerja is started with: a kernel, a fork, the command line."""

FIXED = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""What a kernel is started with, so that neither the order of a set nor the number of threads changes an output."""

START = 180
"""Seconds that a kernel has to answer first, and that the outputs of a cell that has ended have to arrive; a busy
machine needs far more than the second of a quiet one."""
