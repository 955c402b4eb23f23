using AsArm.Server.Requests;

namespace AsArm.Server.Tests.Requests;

/// <summary>Where texts are cut, and how they are divided into pieces.</summary>
[TestClass]
public sealed class StopTextsTests
{
    /// <summary>The result does not depend on the pieces in which a text comes.</summary>
    [TestMethod]
    [DataRow("abcd", new[] { "bcd", "c" }, "ab")]
    [DataRow("abcd", new[] { "bcd", "cd" }, "a")]
    [DataRow("aabab", new[] { "bab", "ab" }, "a")]
    [DataRow("ab\uD83D\uDE00cd", new[] { "d" }, "ab\uD83D\uDE00c")]
    [DataRow("ab\uD83D\uDE00cd", new[] { "no" }, "ab\uD83D\uDE00cd")]
    [DataRow("abcd", new string[0], "abcd")]
    public void Pieces_OfAllDivisions_AddUpToTheCutText(string text, string[] texts, string expected)
    {
        var stop = new StopTexts(texts);
        Assert.AreEqual(expected, text[..(stop.CutIn(text) ?? text.Length)]);
        for (int first = 0; first <= text.Length; first++)
        {
            for (int second = first; second <= text.Length; second++)
                Assert.AreEqual(expected, Send(stop, [text[..first], text[..second], text]), $"{first} {second}");
        }
    }

    private static string Send(StopTexts stop, string[] states)
    {
        var pieces = new TextPieces(stop);
        string sent = "";
        foreach ((int index, string state) in states.Index())
        {
            string piece = pieces.Next(state, isFinal: index == states.Length - 1);
            Assert.IsFalse(piece.Length > 0 && char.IsHighSurrogate(piece[^1]), "Half a character was sent.");
            sent += piece;
            if (pieces.Cut is not null)
                break;
        }

        return sent;
    }
}
