using AsArm.Assd.Tests.Support;
using AsArm.Inference.Onnx.Cached;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

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
        HostKeyValueCache<float> cache = NewCache(slots: 3, length: 4);
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
        HostKeyValueCache<float> cache = NewCache(slots: 3, length: 4);
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
        HostKeyValueCache<float> cache = NewCache(slots: 3, length: 4);
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

    /// <summary>Values of float16 are written, resized, moved and checked as those of float32 are.</summary>
    [TestMethod]
    public void Write_Float16_IsInTheTensorAndMoves()
    {
        var cache = new HostKeyValueCache<Half>(2, Heads, HeadSize);
        cache.Resize(new CacheLayout(2, 4), 0);
        cache.Write(Port, 1, [3], Values(1));
        cache.Resize(new CacheLayout(3, 5), 2);
        cache.Copy(1, 0);
        foreach (int slot in (int[])[0, 1])
        {
            using OrtValue tensor = cache.Tensor(Port, slot, 1);
            Assert.AreEqual(TensorElementType.Float16, tensor.GetTensorTypeAndShape().ElementDataType);
            CollectionAssert.AreEqual(new long[] { 1, Heads, 5, HeadSize }, tensor.GetTensorTypeAndShape().Shape);
            float[] expected = new float[Heads * 5 * HeadSize];
            for (int i = 0; i < Heads * HeadSize; i++)
                expected[At(5, 0, i / HeadSize, 3, i % HeadSize)] = 100 + 10 * (i / HeadSize) + i % HeadSize;
            SpanAssert.AreEqual<float>(expected, [.. tensor.GetTensorDataAsSpan<Float16>().ToArray().Select(value => (float)value)]);
        }

        cache.Write(0, 2, [1], [.. Values(1)[1..], 65536]); // beyond the largest value of float16
        Assert.IsTrue(cache.EnsureFinite(2, [0, 2, 3, 4]));
        Assert.IsFalse(cache.EnsureFinite(2, [1]));
        Assert.IsTrue(cache.EnsureFinite(2, [0, 1, 2, 3, 4]));
    }

    /// <summary>A number in any port and head counts; the positions that were asked for become zero in all ports, others stay.</summary>
    [TestMethod]
    [DataRow(0, 0, float.NaN)]
    [DataRow(0, Heads * HeadSize - 1, float.PositiveInfinity)]
    [DataRow(1, 2, float.NegativeInfinity)]
    public void EnsureFinite_OtherNumbers_ZeroesThePositions(int port, int index, float value)
    {
        HostKeyValueCache<float> cache = NewCache(slots: 3, length: 4);
        for (int slot = 0; slot < 3; slot++)
        {
            for (int other = 0; other < 2; other++)
                cache.Write(other, slot, [0, 1, 2, 3], Values(slot + 1, slot + 2, slot + 3, slot + 4));
        }

        float[] bad = Values(3);
        bad[index] = value;
        cache.Write(port, 1, [2], bad);
        Assert.IsTrue(cache.EnsureFinite(1, [0, 1, 3]));
        Assert.IsTrue(cache.EnsureFinite(0, [0, 1, 2, 3]) && cache.EnsureFinite(2, [0, 1, 2, 3]));
        Assert.IsFalse(cache.EnsureFinite(1, [3, 2]));
        Assert.IsTrue(cache.EnsureFinite(1, [0, 1, 2, 3]));
        HostKeyValueCache<float> expected = NewCache(slots: 3, length: 4);
        for (int slot = 0; slot < 3; slot++)
        {
            for (int other = 0; other < 2; other++)
                expected.Write(other, slot, slot == 1 ? [0, 1] : [0, 1, 2, 3], slot == 1 ? Values(2, 3) : Values(slot + 1, slot + 2, slot + 3, slot + 4));
        }

        for (int other = 0; other < 2; other++)
            SpanAssert.AreEqual<float>(Read(expected, other, 0, 3), Read(cache, other, 0, 3));
    }

    /// <summary>What a graph writes through a tensor is in the cache.</summary>
    [TestMethod]
    public void Tensor_Written_ChangesTheCache()
    {
        HostKeyValueCache<float> cache = NewCache(slots: 3, length: 4);
        using (OrtValue tensor = cache.Tensor(Port, 1, 2))
            tensor.GetTensorMutableDataAsSpan<float>()[At(4, slot: 1, head: 1, position: 3, i: 2)] = 5;
        Assert.AreEqual(5, Read(cache, Port, 2, 1)[At(4, slot: 0, head: 1, position: 3, i: 2)]);
        Assert.AreEqual(5, Read(cache, Port, 0, 3).Sum());
    }

    [TestMethod]
    [DataRow(2, 2)]
    [DataRow(3, 1)]
    public void Tensor_BeyondTheSlots_Throws(int firstSlot, int slots) =>
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => NewCache(slots: 3, length: 4).Tensor(Port, firstSlot, slots));

    /// <summary>2^32 numbers, which would be 0 in 32 bits.</summary>
    [TestMethod]
    [DataRow(1 << 23, 64)]
    [DataRow(1, 1 << 29)]
    public void Resize_MoreThanAnArrayCanHave_Throws(int slots, int length) =>
        Assert.ThrowsExactly<OverflowException>(() => new HostKeyValueCache<float>(2, 2, 4).Resize(new CacheLayout(slots, length), 0));

    [TestMethod]
    public void Resize_TooLarge_LeavesAnEmptyCache()
    {
        var cache = new HostKeyValueCache<float>(2, 2, 4);
        cache.Resize(new CacheLayout(2, 64), 0);
        Assert.ThrowsExactly<OverflowException>(() => cache.Resize(new CacheLayout(int.MaxValue, 64), 2));
        Assert.AreEqual(default, cache.Layout);
        cache.Resize(new CacheLayout(3, 64), 0);
        Assert.AreEqual(new CacheLayout(3, 64), cache.Layout);
    }

    private static HostKeyValueCache<float> NewCache(int slots, int length)
    {
        var cache = new HostKeyValueCache<float>(2, Heads, HeadSize);
        cache.Resize(new CacheLayout(slots, length), 0);
        return cache;
    }

    /// <summary>[count, heads, head size] 100 times a number for each position, plus 10 times the head, plus the index.</summary>
    private static float[] Values(params int[] numbers) =>
        [.. numbers.SelectMany(number => Enumerable.Range(0, Heads * HeadSize).Select(i => 100f * number + 10 * (i / HeadSize) + i % HeadSize))];

    private static int At(int length, int slot, int head, int position, int i) => ((slot * Heads + head) * length + position) * HeadSize + i;

    private static float[] Read(HostKeyValueCache<float> cache, int port, int slot, int slots)
    {
        using OrtValue tensor = cache.Tensor(port, slot, slots);
        CollectionAssert.AreEqual(new long[] { slots, Heads, cache.Layout.Length, HeadSize }, tensor.GetTensorTypeAndShape().Shape);
        return tensor.GetTensorDataAsSpan<float>().ToArray();
    }
}
