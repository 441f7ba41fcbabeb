// numpy arrays as views, without a copy: what does not fit is refused by name.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>

#include "hcbir/parallel.hpp"
#include "hcbir/types.hpp"

namespace hcbir::bindings {

namespace py = pybind11;

/// Any array of dtype T; taken with .noconvert(), so that pybind11 makes no silent copy.
template <class T>
using Array = py::array_t<T, 0>;

/// Rows may lie apart (slices, memory maps); the values of a row must be neighbours.
template <class T>
MatrixView<const T> matrix(const Array<T>& array, const char* name) {
    constexpr auto size = static_cast<py::ssize_t>(sizeof(T));
    if (array.ndim() != 2)
        throw py::value_error(std::string(name) + " must have 2 dimensions, got " +
                              std::to_string(array.ndim()));
    const py::ssize_t rows = array.shape(0), cols = array.shape(1);
    if (rows == 0 || cols == 0)
        return {array.data(), static_cast<std::size_t>(rows), static_cast<std::size_t>(cols)};
    const py::ssize_t stride = rows > 1 ? array.strides(0) : cols * size;
    const bool neighbours = cols == 1 || array.strides(1) == size;
    if (!neighbours || stride % size != 0 || stride < cols * size)
        throw py::type_error(std::string(name) +
                             " must have contiguous rows that do not overlap, got shape " +
                             py::str(array.attr("shape")).cast<std::string>() + " with strides " +
                             py::str(array.attr("strides")).cast<std::string>());
    return {array.data(), static_cast<std::size_t>(rows), static_cast<std::size_t>(cols),
            static_cast<std::size_t>(stride / size)};
}

/// The whole of a contiguous array.
template <class T>
std::span<const T> values(const Array<T>& array, const char* name) {
    if (array.ndim() != 1 || (array.size() > 1 && array.strides(0) != static_cast<py::ssize_t>(sizeof(T))))
        throw py::type_error(std::string(name) + " must be contiguous, with 1 dimension");
    return {array.data(), static_cast<std::size_t>(array.size())};
}

/// A new array of rows x cols, and a view to write through.
template <class T>
struct Output {
    Array<T> array;
    MatrixView<T> view;

    Output(std::size_t rows, std::size_t cols)
        : array({rows, cols}), view(array.mutable_data(), rows, cols) {}
};

/// Asked between tasks on the calling thread, without the GIL: whether Python has a signal to handle.
inline bool python_wants_to_stop() {
    py::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() == 0) return false;
    throw py::error_already_set();
}

/// num_threads = 0 means the default. Ctrl-C ends a call that runs on it.
inline PoolExecutor interruptible(std::size_t num_threads) {
    return PoolExecutor(num_threads, python_wants_to_stop);
}

/// (scores, indices) of rows x k, which find(scores, indices, executor) fills without the GIL.
template <class Find>
py::tuple scores_and_indices(std::size_t rows, std::size_t k, std::size_t num_threads, Find find) {
    auto executor = interruptible(num_threads);
    Output<float> scores(rows, k);
    Output<std::int64_t> indices(rows, k);
    {
        py::gil_scoped_release unlocked;
        find(scores.view, indices.view, executor);
    }
    return py::make_tuple(scores.array, indices.array);
}

}  // namespace hcbir::bindings
