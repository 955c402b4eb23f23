using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Text;

internal static class InfillTextExtensions
{
    /// <summary>Decodes the whole text with the given tokens in its gaps, from left to right.</summary>
    public static string FillGaps(this InfillText encoded, int[] gaps)
    {
        int[] tokens = encoded.Tokens;
        int next = 0;
        for (int position = 0; position < tokens.Length; position++)
            tokens[position] = encoded.Given[position] ? tokens[position] : gaps[next++];
        Assert.AreEqual(gaps.Length, next, "The number of tokens is not that of the gaps.");
        var committed = new bool[tokens.Length];
        Array.Fill(committed, true);
        return encoded.Fill(encoded.DecodeGaps(tokens, committed));
    }
}
