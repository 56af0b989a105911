"""An answer, the same with other names and another layout, and an independent one."""

SAME = '''
def train(net, data, rng):
    """Train for an epoch."""
    total = 0.0
    for start in range(0, len(data), 32):
        batch = data[start : start + 32]  # one batch
        loss = net.loss(batch.images, batch.labels)
        net.zero_grad()
        net.backward(loss.backward())
        rng.shuffle(batch.order)
        total += float(loss.value) * len(batch)
    return total / len(data)
'''
RENAMED = """
def train( network, everything, generator ):
    s=0.0
    # my own loop
    for i in range(0,len(everything),32):

        part=everything[i:i+32]
        l=network.loss(part.images,
                       part.labels)
        network.zero_grad()
        network.backward(l.backward())
        generator.shuffle(part.order)
        s+=float(l.value)*len(part)
    return s/len(everything)
"""
OTHER = """
def train(net, data, rng):
    losses = []
    order = rng.permutation(len(data))
    while order.size:
        now, order = order[:32], order[32:]
        scores = net.forward(data.images[now])
        losses.extend(cross_entropy(scores, data.labels[now]))
        for p in net.parameters():
            p.grad[...] = 0
        net.backward(cross_entropy.gradient())
    return np.mean(losses)
"""
