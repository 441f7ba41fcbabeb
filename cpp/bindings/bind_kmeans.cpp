#include "bindings.hpp"
#include "hcbir/kmeans.hpp"
#include "numpy_views.hpp"

namespace hcbir::bindings {

void bind_kmeans(py::module_& m) {
    m.def(
        "kmeans",
        [](const Array<float>& vectors, std::size_t num_clusters, std::size_t num_iterations,
           std::uint64_t seed, std::size_t num_threads) {
            const auto v = matrix(vectors, "vectors");
            auto executor = interruptible(num_threads);
            Output<float> centroids(num_clusters, v.cols);
            double mean_squared_distance = 0;
            {
                py::gil_scoped_release unlocked;
                mean_squared_distance = kmeans(v, centroids.view, {num_iterations, seed}, executor);
            }
            return py::make_tuple(centroids.array, mean_squared_distance);
        },
        py::arg("vectors").noconvert(), py::arg("num_clusters"), py::arg("num_iterations"), py::arg("seed"),
        py::arg("num_threads"));
}

}  // namespace hcbir::bindings
