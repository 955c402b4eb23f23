namespace AsArm.Inference.Tokenization;

/// <summary>A growing buffer of bytes.</summary>
/// <param name="capacity">Initial capacity; positive.</param>
internal struct ByteBuffer(int capacity)
{
    private byte[] _bytes = new byte[capacity];
    private int _length;

    /// <summary>The bytes that were appended.</summary>
    public readonly ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public void Append(byte value)
    {
        if (_length == _bytes.Length)
            Array.Resize(ref _bytes, 2 * _length);
        _bytes[_length++] = value;
    }

    public void Append(ReadOnlySpan<byte> values)
    {
        foreach (byte value in values)
            Append(value);
    }
}
