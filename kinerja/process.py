"""What every process of kinerja is started with: a kernel, a fork, the command line."""

FIXED = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""What a kernel is started with, so that neither the order of a set nor the number of threads changes an output."""
