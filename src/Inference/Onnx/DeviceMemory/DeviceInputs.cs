using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AsArm.Inference.Onnx.DeviceMemory;

/// <summary>The integer inputs of a run in one block of device memory, which one copy fills. Where an input begins depends on the lengths of those before it.</summary>
internal sealed class DeviceInputs : IDisposable
{
    /// <summary>Inputs begin at a multiple of 256 bytes, as ONNX Runtime's own allocations do.</summary>
    private const int Alignment = 256 / sizeof(long);

    private readonly TransferBuffer<long> _block;

    /// <param name="memory">The memory of the device.</param>
    /// <param name="inputs">Number of inputs.</param>
    /// <param name="length">The largest sum of their lengths.</param>
    public DeviceInputs(IDeviceMemory memory, int inputs, int length) => _block = new TransferBuffer<long>(memory, checked(length + (inputs * Alignment)));

    /// <summary>Tensors over the inputs, for a run of these shapes.</summary>
    /// <param name="shapes">The shape of each input.</param>
    public OrtValue[] Tensors(IReadOnlyList<int[]> shapes)
    {
        var tensors = new OrtValue[shapes.Count];
        for (int i = 0, offset = 0; i < tensors.Length; i++)
        {
            tensors[i] = _block.Tensor(TensorElementType.Int64, shapes[i], offset);
            offset = Next(offset, shapes[i].Aggregate(1, (product, size) => product * size));
        }

        return tensors;
    }

    /// <summary>Copies an input to where its tensor is.</summary>
    /// <param name="values">The values.</param>
    /// <param name="offset">0 for the first input, then what the call for the one before returned.</param>
    /// <returns>The offset of the next input.</returns>
    public int Put(ReadOnlySpan<long> values, int offset)
    {
        values.CopyTo(_block.Values[offset..]);
        return Next(offset, values.Length);
    }

    /// <summary>Copies the inputs to the device.</summary>
    /// <param name="length">What <see cref="Put" /> returned for the last input.</param>
    public void Upload(int length) => _block.Upload(Math.Min(length, _block.Values.Length));

    public void Dispose() => _block.Dispose();

    private static int Next(int offset, int length) => (offset + length + Alignment - 1) / Alignment * Alignment;
}
