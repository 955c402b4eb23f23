using AsArm.Assd.Tests.Support;
using AsArm.Inference.Onnx.Cached;
using Microsoft.ML.OnnxRuntime;

namespace AsArm.Inference.Tests.Onnx.Cached;

/// <summary>Where keys and values are in memory: [slots, heads, length, head size].</summary>
[TestClass]
public sealed class HostKeyValueCacheTests
{
    private const int Port = 1;
    private const int Heads = 2;
    private const int HeadSize = 3;

    [TestMethod]
    public void Write_Positions_AreThereInEveryHeadAndNowhereElse()
    {
        HostKeyValueCache cache = NewCache(slots: 3, length: 4);
        cache.Write(Port, 1, [3, 0], Values(1, 2));
        float[] expected = new float[3 * Heads * 4 * HeadSize];
        for (int i = 0; i < HeadSize; i++)
        {
            expected[At(4, slot: 1, head: 0, position: 3, i)] = 100 + i;
            expected[At(4, slot: 1, head: 1, position: 3, i)] = 110 + i;
            expected[At(4, slot: 1, head: 0, position: 0, i)] = 200 + i;
            expected[At(4, slot: 1, head: 1, position: 0, i)] = 210 + i;
        }

        SpanAssert.AreEqual<float>(expected, Read(cache, Port, 0, 3));
        SpanAssert.AreEqual<float>(expected.AsSpan(Heads * 4 * HeadSize, Heads * 4 * HeadSize), Read(cache, Port, 1, 1));
        SpanAssert.AreEqual<float>(new float[expected.Length], Read(cache, 0, 0, 3), "Other ports are not written.");
    }

    /// <summary>Kept slots keep the positions that both layouts have; all else is zero.</summary>
    [TestMethod]
    [DataRow(4, 6, 2)]
    [DataRow(2, 2, 1)]
    [DataRow(3, 4, 3)]
    [DataRow(3, 4, 0)]
    public void Resize_KeptSlots_KeepTheirContent(int slots, int length, int kept)
    {
        HostKeyValueCache cache = NewCache(slots: 3, length: 4);
        for (int slot = 0; slot < 3; slot++)
            cache.Write(Port, slot, [0, 1, 2, 3], Values(10 * slot + 1, 10 * slot + 2, 10 * slot + 3, 10 * slot + 4));
        cache.Resize(new CacheLayout(slots, length), kept);
        Assert.AreEqual(new CacheLayout(slots, length), cache.Layout);
        float[] expected = new float[slots * Heads * length * HeadSize];
        for (int slot = 0; slot < kept; slot++)
        {
            for (int position = 0; position < Math.Min(4, length); position++)
            {
                for (int i = 0; i < Heads * HeadSize; i++)
                    expected[At(length, slot, i / HeadSize, position, i % HeadSize)] = 100 * (10 * slot + position + 1) + 10 * (i / HeadSize) + i % HeadSize;
            }
        }

        SpanAssert.AreEqual<float>(expected, Read(cache, Port, 0, slots));
        SpanAssert.AreEqual<float>(new float[expected.Length], Read(cache, 0, 0, slots));
    }

    [TestMethod]
    [DataRow(2, 0)]
    [DataRow(0, 2)]
    public void Copy_Slot_ReplacesTheOtherInEveryPort(int from, int to)
    {
        HostKeyValueCache cache = NewCache(slots: 3, length: 4);
        for (int slot = 0; slot < 3; slot++)
        {
            cache.Write(0, slot, [1], Values(slot + 1));
            cache.Write(Port, slot, [0, 2], Values(slot + 4, slot + 7));
        }

        float[][] expected = [.. new[] { 0, Port }.Select(port => Read(cache, port, from, 1))];
        float[][] others = [.. new[] { 0, Port }.Select(port => Read(cache, port, 1, 1))];
        cache.Copy(from, to);
        for (int port = 0; port < 2; port++)
        {
            SpanAssert.AreEqual<float>(expected[port], Read(cache, port, to, 1));
            SpanAssert.AreEqual<float>(expected[port], Read(cache, port, from, 1));
            SpanAssert.AreEqual<float>(others[port], Read(cache, port, 1, 1));
        }
    }

    /// <summary>2^32 numbers, which would be 0 in 32 bits.</summary>
    [TestMethod]
    [DataRow(1 << 23, 64)]
    [DataRow(1, 1 << 29)]
    public void Resize_MoreThanAnArrayCanHave_Throws(int slots, int length) =>
        Assert.ThrowsExactly<OverflowException>(() => new HostKeyValueCache(2, 2, 4).Resize(new CacheLayout(slots, length), 0));

    private static HostKeyValueCache NewCache(int slots, int length)
    {
        var cache = new HostKeyValueCache(2, Heads, HeadSize);
        cache.Resize(new CacheLayout(slots, length), 0);
        return cache;
    }

    /// <summary>[count, heads, head size] 100 times a number for each position, plus 10 times the head, plus the index.</summary>
    private static float[] Values(params int[] numbers) =>
        [.. numbers.SelectMany(number => Enumerable.Range(0, Heads * HeadSize).Select(i => 100f * number + 10 * (i / HeadSize) + i % HeadSize))];

    private static int At(int length, int slot, int head, int position, int i) => ((slot * Heads + head) * length + position) * HeadSize + i;

    private static float[] Read(HostKeyValueCache cache, int port, int slot, int slots)
    {
        using OrtValue tensor = cache.Tensor(port, slot, slots);
        CollectionAssert.AreEqual(new long[] { slots, Heads, cache.Layout.Length, HeadSize }, tensor.GetTensorTypeAndShape().Shape);
        return tensor.GetTensorDataAsSpan<float>().ToArray();
    }
}
