// Nearest neighbours in both directions from one pass over the scores.

struct BestVec {
    Vec first, second;
    VecIndex index;

    void take(Vec score, VecIndex where) {
        const auto better = score > first;
        const Vec beaten = better ? first : score;
        second = beaten > second ? beaten : second;
        first = better ? score : first;
        index = better ? where : index;
    }
};

inline BestVec load_best(Best best, std::size_t at) {
    return {load<Vec>(best.first + at), load<Vec>(best.second + at), load_index(best.index + at)};
}

inline void store_best(Best best, std::size_t at, const BestVec& v) {
    store(best.first + at, v.first);
    store(best.second + at, v.second);
    store_index(best.index + at, v.index);
}

void update_best(const float* scores, std::size_t num_queries, std::uint32_t query, std::uint32_t row,
                 Best by_query, Best by_row) {
    VecIndex column;
    for (std::size_t l = 0; l < lanes; ++l) column[l] = row + static_cast<std::uint32_t>(l);
    for (std::size_t j = 0; j < tile_rows; j += lanes, column += static_cast<std::uint32_t>(lanes)) {
        BestVec down = load_best(by_row, j);
        for (std::size_t i = 0; i < num_queries; ++i) {
            const Vec score = load<Vec>(scores + i * tile_rows + j);
            down.take(score, query + static_cast<std::uint32_t>(i) - VecIndex{});
            BestVec across = load_best(by_query, i * tile_rows + j);
            across.take(score, column);
            store_best(by_query, i * tile_rows + j, across);
        }
        store_best(by_row, j, down);
    }
}
