// Version of the library. The one place it is written: CMake and the Python package read it from here.
#pragma once

#define FEWBITS_VERSION_MAJOR 0
#define FEWBITS_VERSION_MINOR 1
#define FEWBITS_VERSION_PATCH 0
#define FEWBITS_VERSION "0.1.0"
