using System.Buffers.Binary;
using Google.Protobuf;

namespace AsArm.Cli.Tests.Support;

/// <summary>Edits SentencePiece models.</summary>
internal static class SentencePieceBytes
{
    private const int Normalizer = 3, CharacterMap = 2;

    /// <summary>The same model, but that its character map replaces what it replaces by a text of so many bytes, or a part of it.</summary>
    public static byte[] WithLongReplacements(byte[] model, int bytes) =>
        Replace(model, Normalizer, normalizer => Replace(normalizer, CharacterMap, map =>
        {
            int trie = sizeof(uint) + BinaryPrimitives.ReadInt32LittleEndian(map);
            return [.. map[..trie], .. Enumerable.Repeat((byte)'a', bytes)];
        }));

    private static byte[] Replace(byte[] message, int field, Func<byte[], byte[]> change)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            var input = new CodedInputStream(message);
            for (uint tag; (tag = input.ReadTag()) != 0;)
            {
                output.WriteTag(tag);
                if (WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
                {
                    byte[] content = input.ReadBytes().ToByteArray();
                    output.WriteBytes(ByteString.CopyFrom(WireFormat.GetTagFieldNumber(tag) == field ? change(content) : content));
                }
                else if (WireFormat.GetTagWireType(tag) == WireFormat.WireType.Varint)
                    output.WriteUInt64(input.ReadUInt64());
                else
                    output.WriteFixed32(input.ReadFixed32());
            }
        }

        return stream.ToArray();
    }
}
