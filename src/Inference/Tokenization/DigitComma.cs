using System.Globalization;

namespace AsArm.Inference.Tokenization;

/// <summary>The pieces ending in a digit and a comma, which XLNet's tokenizers split.</summary>
internal static class DigitComma
{
    /// <summary>Whether a piece ends in a digit (in the sense of Python's str.isdigit) and a comma.</summary>
    public static bool Ends(string piece)
    {
        if (piece.Length < 2 || piece[^1] != ',')
            return false;
        int digit = char.IsLowSurrogate(piece[^2]) && piece.Length > 2 ? piece.Length - 3 : piece.Length - 2;
        return CharUnicodeInfo.GetDigitValue(piece, digit) >= 0;
    }
}
