// Scores of rows quantised to bytes, as floats: a tile of queries against a panel of rows.

void byte_scores(const ByteTile& queries, const std::uint8_t* rows, std::size_t quads, const float* scales,
                 const float* offsets, float* scores, std::size_t stride) {
    static_assert(byte_tile_queries % byte_tile_height == 0 && byte_panel_rows % (2 * lanes) == 0);
    ByteQueries tile = {};
    tile.codes = queries.codes, tile.head_start = queries.start, tile.block_start = queries.block_start;
    for (std::size_t first = 0; first < byte_tile_queries; first += byte_tile_height)
        for (std::size_t v = 0; v < byte_panel_rows; v += 2 * lanes) {
            VecI sums[byte_tile_height][2] = {};
            add_products<byte_tile_height, 2>(tile, first, rows + 4 * v, 0, quads, sums);
#pragma GCC unroll 12
            for (std::size_t i = 0; i < byte_tile_height; ++i)
#pragma GCC unroll 2
                for (std::size_t w = 0; w < 2; ++w) {
                    const std::size_t j = v + w * lanes;
                    const Vec scale = queries.scale[first + i] * load<Vec>(scales + j);
                    const Vec offset = queries.offset[first + i] + load<Vec>(offsets + j);
                    store(scores + (first + i) * stride + j,
                          __builtin_convertvector(sums[i][w], Vec) * scale + offset);
                }
        }
}
