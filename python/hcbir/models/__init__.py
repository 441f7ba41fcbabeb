"""Networks in torch, their published weights, and their export to ONNX: needs `pip install "hcbir[export]"`.

    resnet vgg delf     trunks: images -> activation maps (DELF: local descriptors and their scores)
    pooling netvlad     heads: activation maps -> vectors
    network             a trunk and its heads
    checkpoints         published weights -> networks; nothing in a file is executed
    export quantisation networks -> self-describing ONNX files, fp32, fp16, int8
    registry download   which weights are published, and how to get them (these two need no torch)

Nothing but the command line's `export` and `models` uses this package.
"""
