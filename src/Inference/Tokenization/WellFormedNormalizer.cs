using System.Text;
using Microsoft.ML.Tokenizers;

namespace AsArm.Inference.Tokenization;

/// <summary>Makes U+FFFD of lone surrogates, which have no UTF-8; Microsoft.ML.Tokenizers would give them bytes that are not UTF-8.</summary>
internal sealed class WellFormedNormalizer : Normalizer
{
    public override string Normalize(string original) =>
        original.AsSpan().IndexOfAnyInRange('\ud800', '\udfff') < 0 ? original : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(original));

    public override string Normalize(ReadOnlySpan<char> original) => Normalize(original.ToString());
}
